tepui_test(election zk_url)
tepui_test(election leader_info)
tepui_test(election election SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/election/ensemble.c)
tepui_test(election troubles SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/election/ensemble.c)

foreach(module agents frameworks tasks http v0 snapshot validation limits)
  tepui_test(master ${module} SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/master/harness.c)
endforeach()

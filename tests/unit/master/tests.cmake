foreach(module agents frameworks tasks http v0 snapshot validation limits weights quota
               maintenance inverse_offers drain audit role_tally reconcile authenticate
               constraints whitelist revocable)
  tepui_test(master ${module} SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/master/harness.c)
endforeach()
foreach(module state_json operator_reads operator_events metrics view_answers files)
  tepui_test(master ${module} SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/master/harness.c
             ${CMAKE_SOURCE_DIR}/tests/unit/master/golden_scene.c
             ${CMAKE_SOURCE_DIR}/tests/unit/master/shape.c)
endforeach()
foreach(module operations operation_status)
  tepui_test(master ${module} SOURCES ${CMAKE_SOURCE_DIR}/tests/unit/master/harness.c
             ${CMAKE_SOURCE_DIR}/tests/unit/master/operation_scene.c)
endforeach()
tepui_test(master task_ring)

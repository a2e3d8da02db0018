foreach(module registration launch updates kill recovery executor_api operator gc sandboxes)
  tepui_test(agent ${module} SOURCES ${CMAKE_CURRENT_LIST_DIR}/shell.c)
endforeach()
tepui_test(agent parts)
foreach(module operations resource_state volumes)
  tepui_test(agent ${module} SOURCES ${CMAKE_CURRENT_LIST_DIR}/shell.c
             ${CMAKE_CURRENT_LIST_DIR}/operations.c)
endforeach()

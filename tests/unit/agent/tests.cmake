foreach(module registration launch updates kill recovery executor_api operator)
  tepui_test(agent ${module} SOURCES ${CMAKE_CURRENT_LIST_DIR}/shell.c)
endforeach()

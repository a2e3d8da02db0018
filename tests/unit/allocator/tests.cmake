tepui_test(allocator drf)
foreach(module fairness filters agents shared quota inverse recovery)
  tepui_test(allocator ${module} SOURCES ${CMAKE_CURRENT_LIST_DIR}/kit.c)
endforeach()
tepui_test(allocator model
           SOURCES ${CMAKE_CURRENT_LIST_DIR}/kit.c ${CMAKE_CURRENT_LIST_DIR}/model.c)

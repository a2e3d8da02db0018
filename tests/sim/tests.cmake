add_library(tepui_sim STATIC
  ${CMAKE_CURRENT_LIST_DIR}/sim.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_net.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_http.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_disk.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_fault.c
  ${CMAKE_CURRENT_LIST_DIR}/scenario.c
  ${CMAKE_CURRENT_LIST_DIR}/scenario_diff.c
  ${CMAKE_CURRENT_LIST_DIR}/toy_lease.c
  ${CMAKE_CURRENT_LIST_DIR}/toy_world.c)
target_include_directories(tepui_sim PUBLIC ${CMAKE_CURRENT_LIST_DIR}/..)
target_compile_definitions(tepui_sim PRIVATE _GNU_SOURCE)
target_compile_options(tepui_sim PRIVATE ${TEPUI_WARNINGS})
target_link_libraries(tepui_sim PUBLIC tepui_wire)

function(tepui_sim_test name)
  add_executable(sim_${name} ${CMAKE_SOURCE_DIR}/tests/sim/test_${name}.c)
  set_target_properties(sim_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(sim_${name} PRIVATE _GNU_SOURCE)
  target_compile_options(sim_${name} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(sim_${name} PRIVATE tepui_sim ${ARGN} PkgConfig::CMOCKA)
  add_test(NAME sim/${name} COMMAND sim_${name})
endfunction()

tepui_sim_test(sim)
tepui_sim_test(scenario)

# tepui_scenarios(program pattern): plays tests/scenario/<pattern>.txt.
function(tepui_scenarios program pattern)
  add_executable(${program} ${CMAKE_SOURCE_DIR}/tests/sim/${program}.c)
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${program} PRIVATE _GNU_SOURCE)
  target_compile_options(${program} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(${program} PRIVATE tepui_sim ${ARGN})
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/scenario/${pattern}.txt)
  add_test(NAME scenario/${program} COMMAND ${program} ${files})
endfunction()

tepui_scenarios(scenario_toy lease-*)

add_library(tepui_cluster STATIC
  ${CMAKE_CURRENT_LIST_DIR}/cluster.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_agent.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_container.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_executor.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_framework.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_laws.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_maintainer.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_master.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_nested.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_operation.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_operator.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_reserver.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_scheduler.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_story.c
  ${CMAKE_CURRENT_LIST_DIR}/cluster_story_framework.c)
target_compile_definitions(tepui_cluster PRIVATE _GNU_SOURCE)
target_compile_options(tepui_cluster PRIVATE ${TEPUI_WARNINGS})
target_link_libraries(tepui_cluster PUBLIC tepui_sim tepui_master tepui_agent tepui_executor)
tepui_sim_test(cluster tepui_cluster)
tepui_scenarios(scenario_cluster cluster-* tepui_cluster)

add_library(tepui_sim_rlog STATIC
  ${CMAKE_CURRENT_LIST_DIR}/rlog_laws.c
  ${CMAKE_CURRENT_LIST_DIR}/rlog_store.c
  ${CMAKE_CURRENT_LIST_DIR}/rlog_world.c)
target_compile_definitions(tepui_sim_rlog PRIVATE _GNU_SOURCE)
target_compile_options(tepui_sim_rlog PRIVATE ${TEPUI_WARNINGS})
target_link_libraries(tepui_sim_rlog PUBLIC tepui_sim tepui_rlog)
tepui_sim_test(rlog tepui_sim_rlog)

add_library(tepui_sim_ha STATIC
  ${CMAKE_CURRENT_LIST_DIR}/sim_zk_tree.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_zk_client.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_zk_server.c
  ${CMAKE_CURRENT_LIST_DIR}/sim_zk.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_state.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_history.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_registry.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_election.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_master.c
  ${CMAKE_CURRENT_LIST_DIR}/ha_world.c)
target_compile_definitions(tepui_sim_ha PRIVATE _GNU_SOURCE)
target_compile_options(tepui_sim_ha PRIVATE ${TEPUI_WARNINGS})
target_link_libraries(tepui_sim_ha PUBLIC tepui_sim_rlog tepui_registrar tepui_election)
tepui_sim_test(ha tepui_sim_ha)

# Programs that measure; not run by ctest, but by `tools/dev bench`.
tepui_bench(wire LIBS tepui_wire PkgConfig::JANSSON)
target_compile_definitions(bench_wire PRIVATE BENCH_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/bench")
tepui_bench(resources LIBS tepui_resources)
tepui_bench(allocator LIBS tepui_allocator)
tepui_bench(containers SOURCES ${CMAKE_SOURCE_DIR}/tests/integration/container_kit.c
            LIBS tepui_container)
target_compile_definitions(bench_containers PRIVATE PROGRAMS_DIR="${CMAKE_BINARY_DIR}/bin")
add_dependencies(bench_containers tepui-containerizer)
tepui_bench(net LIBS tepui_net)
tepui_bench(files LIBS tepui_store)
tepui_bench(sim SOURCES ${CMAKE_SOURCE_DIR}/tests/bench/seeds.c LIBS tepui_cluster)
tepui_bench(sim_ha SOURCES ${CMAKE_SOURCE_DIR}/tests/bench/seeds.c LIBS tepui_sim_ha)
tepui_bench(reads LIBS tepui_master tepui_registry tepui_allocator)
tepui_bench(registry SOURCES ${CMAKE_SOURCE_DIR}/src/daemon/master_registry.c
            LIBS tepui_loghost tepui_registrar)

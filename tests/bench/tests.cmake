# Programs that measure; not run by ctest.
tepui_program(bench_wire ${CMAKE_SOURCE_DIR}/tests/bench/bench_wire.c
              LIBS tepui_wire PkgConfig::JANSSON)
target_compile_definitions(bench_wire PRIVATE BENCH_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/bench")
tepui_program(bench_allocator ${CMAKE_SOURCE_DIR}/tests/bench/bench_allocator.c
              LIBS tepui_allocator)
tepui_bench(resources LIBS tepui_resources)
tepui_program(bench_containers ${CMAKE_SOURCE_DIR}/tests/bench/bench_containers.c
              ${CMAKE_SOURCE_DIR}/tests/integration/container_kit.c LIBS tepui_container)
target_compile_definitions(bench_containers PRIVATE PROGRAMS_DIR="${CMAKE_BINARY_DIR}/bin")
add_dependencies(bench_containers tepui-containerizer)
tepui_bench(net LIBS tepui_net)
tepui_bench(files LIBS tepui_store)

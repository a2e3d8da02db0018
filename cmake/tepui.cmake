# Warnings that every file of ours must be clean of, with gcc and with clang (docs/STYLE.md).
set(TEPUI_WARNINGS -Wall -Wextra -Wshadow -Wswitch-enum -Wvla -Wwrite-strings -Wpointer-arith
    -Werror $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>)

# tepui_library(folder [DEPS libraries...] [EXCLUDE files...] [PUBLIC_LIBS ...])
# One static library a folder: all its .c and .cc files; may include only what it links (the include
# law).
function(tepui_library name)
  cmake_parse_arguments(ARG "CORE" "" "DEPS;LIBS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.c
       ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  foreach(file ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/${name}/${file})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_library(tepui_${name} STATIC ${sources})
  target_include_directories(tepui_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src
                             ${CMAKE_SOURCE_DIR}/include)
  target_compile_definitions(tepui_${name} PRIVATE _GNU_SOURCE)
  target_compile_options(tepui_${name} PRIVATE ${TEPUI_WARNINGS})
  if(ARG_CORE)
    target_compile_options(tepui_${name} PRIVATE $<$<COMPILE_LANGUAGE:C>:-Wconversion>
                           $<$<COMPILE_LANGUAGE:C>:-Wno-sign-conversion>)
  endif()
  foreach(dep ${ARG_DEPS})
    if(TARGET tepui_${dep}) # a folder without files yet has no library
      target_link_libraries(tepui_${name} PUBLIC tepui_${dep})
    endif()
  endforeach()
  target_link_libraries(tepui_${name} PUBLIC ${ARG_LIBS})
endfunction()

# tepui_program(program source... LIBS libraries...)
function(tepui_program name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_compile_options(${name} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
endfunction()

# tepui_test(folder module LIBS libraries...): tests/unit/<folder>/test_<module>.c with cmocka.
function(tepui_test folder module)
  cmake_parse_arguments(ARG "" "" "LIBS;SOURCES" ${ARGN})
  set(target test_${folder}_${module})
  add_executable(${target} ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/test_${module}.c ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE
    TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data")
  target_compile_options(${target} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(${target} PRIVATE tepui_${folder} ${ARG_LIBS} PkgConfig::CMOCKA)
  if(TEPUI_SANITIZE MATCHES thread)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit/thread_sanitizer.c)
  endif()
  add_test(NAME unit/${folder}/${module} COMMAND ${target})
  # 77: something in it could not be shown on this machine (tests/unit/unit.h).
  set_tests_properties(unit/${folder}/${module} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# tepui_fuzz(folder module): tests/fuzz/<folder>/fuzz_<module>.c with LLVMFuzzerTestOneInput, and
# its inputs in tests/fuzz/<folder>/corpus_<module>/. With TEPUI_FUZZ it is a libFuzzer program;
# else, and so in every build, a program that replays the inputs as the test fuzz/<folder>/<module>.
function(tepui_fuzz folder module)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  set(target fuzz_${folder}_${module})
  set(dir ${CMAKE_SOURCE_DIR}/tests/fuzz/${folder})
  add_executable(${target} ${dir}/fuzz_${module}.c)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(${target} PRIVATE tepui_${folder} ${ARG_LIBS})
  if(TEPUI_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz/${folder}/${module} COMMAND ${target} ${dir}/corpus_${module})
    set_tests_properties(fuzz/${folder}/${module} PROPERTIES TIMEOUT 300)
  endif()
endfunction()

# tepui_bench(name LIBS libraries...): tests/bench/bench_<name>.c, run by `tools/dev bench <name>`.
function(tepui_bench name)
  cmake_parse_arguments(ARG "" "" "LIBS;SOURCES" ${ARGN})
  add_executable(bench_${name} ${CMAKE_SOURCE_DIR}/tests/bench/bench_${name}.c ${ARG_SOURCES})
  set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_compile_definitions(bench_${name} PRIVATE _GNU_SOURCE)
  target_compile_options(bench_${name} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(bench_${name} PRIVATE ${ARG_LIBS})
endfunction()

# Messages of all types, for the tests of the codec.
set(sample_c ${CMAKE_CURRENT_BINARY_DIR}/sample.pb-c.c)
add_custom_command(
  OUTPUT ${sample_c} ${CMAKE_CURRENT_BINARY_DIR}/sample.pb-c.h
  COMMAND ${PROTOC_C} -I${CMAKE_SOURCE_DIR}/tests/unit/wire --c_out=${CMAKE_CURRENT_BINARY_DIR}
          ${CMAKE_SOURCE_DIR}/tests/unit/wire/sample.proto
  DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/wire/sample.proto
  VERBATIM)
add_library(tepui_sample STATIC ${sample_c})
target_include_directories(tepui_sample SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(tepui_sample PRIVATE -w)
target_link_libraries(tepui_sample PUBLIC PkgConfig::PROTOBUF_C)

tepui_test(wire http_head)
tepui_test(wire http_reader)
tepui_test(wire http_write)
tepui_test(wire http_content)
tepui_test(wire url)
tepui_test(wire route)
tepui_test(wire jsonp)
tepui_test(wire mime)
tepui_test(wire recordio)
tepui_test(wire upid)
tepui_test(wire golden LIBS PkgConfig::JANSSON)
tepui_test(wire base64)
tepui_test(wire cursor)
tepui_test(wire message LIBS tepui_sample)
tepui_test(wire layout LIBS tepui_sample)
tepui_test(wire json_number)
tepui_test(wire json_string)
tepui_test(wire json_writer)
tepui_test(wire json_print LIBS tepui_sample)
tepui_test(wire json_parse LIBS tepui_sample)
set_tests_properties(unit/wire/layout PROPERTIES LABELS threads)

# Sanitizers hold for everything that is compiled, generated code too, so that the sanitizer sees
# the memory of all of it. A finding ends the program: a test cannot pass over it.
if(TEPUI_SANITIZE)
  string(REPLACE ";" "," tepui_sanitize "${TEPUI_SANITIZE}")
  add_compile_options(-fsanitize=${tepui_sanitize} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${tepui_sanitize} -fno-sanitize-recover=all)
  # gcc takes what its sanitizers put in for mistakes; release builds still warn.
  if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    foreach(warning maybe-uninitialized format-truncation format-overflow restrict
            stringop-overflow stringop-truncation stringop-overread array-bounds null-dereference)
      add_compile_options(-Wno-error=${warning})
    endforeach()
  endif()
endif()

# Fuzzing wants coverage in every library; only the targets themselves link the driver.
if(TEPUI_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "TEPUI_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(Python3 COMPONENTS Interpreter REQUIRED)
add_test(NAME contract COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/contract/test_contract.py)

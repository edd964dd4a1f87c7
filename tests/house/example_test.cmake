# Runs an example: it must succeed, and print what EXPECTED (a regular expression) says. A property of the test could
# have only one of the two.
execute_process(COMMAND ${PROGRAM} WORKING_DIRECTORY ${DIRECTORY} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
message("${text}")
if(NOT code STREQUAL "0")
  message(FATAL_ERROR "exit code ${code}")
endif()
if(NOT text MATCHES "${EXPECTED}")
  message(FATAL_ERROR "expected: ${EXPECTED}")
endif()

# cmake --install build --prefix /usr: what packaging/*.service expects, where it expects it.
# docs/operator/installing.md tells of it.
install(TARGETS tepui tepui-execute tepui-log RUNTIME DESTINATION bin)
install(TARGETS tepui-master tepui-agent RUNTIME DESTINATION sbin)
install(TARGETS tepui-containerizer tepui-executor tepui-default-executor tepui-fetcher
                tepui-http-check
        RUNTIME DESTINATION libexec/tepui)
install(FILES ${CMAKE_SOURCE_DIR}/packaging/tepui-master.service
              ${CMAKE_SOURCE_DIR}/packaging/tepui-agent.service
              ${CMAKE_SOURCE_DIR}/packaging/tepui-containers.service
        DESTINATION lib/systemd/system)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/operator DESTINATION share/doc/tepui)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
              ${CMAKE_SOURCE_DIR}/docs/MIGRATION.md
        DESTINATION share/doc/tepui)

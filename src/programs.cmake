tepui_program(tepui-executor executor/executor_main.c LIBS tepui_executor)
tepui_program(tepui-default-executor executor/default_executor_main.c LIBS tepui_executor)
tepui_program(tepui-http-check executor/http_check_main.c LIBS PkgConfig::CURL)
tepui_program(tepui-fetcher fetch/fetcher_main.c LIBS tepui_fetch)

tepui_program(tepui-containerizer container/init/containerizer_main.c container/init/command.c
  container/init/terminal.c
  LIBS tepui_container)
target_link_options(tepui-containerizer PRIVATE -Wl,--as-needed)
tepui_program(tepui-execute cli/execute_main.c LIBS tepui_cli)
tepui_program(tepui cli/tepui_main.c LIBS tepui_cli)
tepui_program(tepui-master daemon/master_main.c
  LIBS tepui_daemon tepui_loghost tepui_master tepui_net tepui_allocator tepui_registry tepui_store)
tepui_program(tepui-agent daemon/agent_main.c
  LIBS tepui_daemon tepui_agent tepui_container tepui_net tepui_store)
tepui_program(tepui-log loghost/log_main.c LIBS tepui_loghost)
tepui_program(replicated-counter ../examples/replicated_counter.c LIBS tepui_loghost)

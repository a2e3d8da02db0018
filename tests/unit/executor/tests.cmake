tepui_test(executor command_executor)
tepui_test(executor default_executor)
tepui_test(executor exec_process)

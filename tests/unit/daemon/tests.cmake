tepui_test(daemon flags_facts)
tepui_test(daemon master_flags)
tepui_test(daemon agent_flags)

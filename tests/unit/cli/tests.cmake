tepui_test(cli local_plan)
tepui_test(cli local_cluster)

tepui_test(net loop)
tepui_test(net workers)
tepui_test(net server)
tepui_test(net server_streams)
tepui_test(net peers)
tepui_test(net client)
tepui_test(net host)
# What workers share with the loop, for the thread sanitizer.
set_tests_properties(unit/net/loop unit/net/workers unit/net/server unit/net/server_streams
                     unit/net/host PROPERTIES LABELS threads)

# A name server of the tests' own: tests/unit/coord/names.h.
set(tepui_wrap_names -Wl,--wrap=getaddrinfo -Wl,--wrap=freeaddrinfo)
tepui_test(coord peers_lookup)
target_link_options(test_coord_peers_lookup PRIVATE ${tepui_wrap_names})
tepui_test(coord peers_finder)
target_link_options(test_coord_peers_finder PRIVATE ${tepui_wrap_names})
tepui_test(coord zk_client)
set_tests_properties(unit/coord/peers_finder unit/coord/zk_client PROPERTIES LABELS threads)

# A name server of the tests' own: tests/unit/coord/names.h.
set(tepui_wrap_names -Wl,--wrap=getaddrinfo -Wl,--wrap=freeaddrinfo)
tepui_test(coord peers_lookup)
target_link_options(test_coord_peers_lookup PRIVATE ${tepui_wrap_names})

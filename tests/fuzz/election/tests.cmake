tepui_fuzz(election zk_url)
tepui_fuzz(election leader_info)
tepui_fuzz(election election)
tepui_fuzz(election peers_url)

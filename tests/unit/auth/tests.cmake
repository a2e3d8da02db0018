tepui_test(auth cram_md5)

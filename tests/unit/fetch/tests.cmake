tepui_test(fetch fetch_extract)

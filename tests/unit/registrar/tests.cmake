tepui_test(registrar registrar)

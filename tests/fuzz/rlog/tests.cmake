tepui_fuzz(rlog protocol)

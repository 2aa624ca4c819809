# 1.1.0: the predecessor, with the same state and another pattern: what the guide replaces first.
# rebuilt: the same version built otherwise.
led_blink-variants := 1.1.0 rebuilt
led_blink-1.1.0-cflags := -DLED_BLINK_MINOR=1
led_blink-rebuilt-cflags := -O1

/* Characters of an expression and of the texts that are matched. */
#include "common/pattern_tree.h"

uint32_t pattern_next_rune(struct slice *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text->data;
    unsigned char first = bytes[0];
    size_t size = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t rune = size <= 1 ? first : first & (0xFFu >> (size + 1));
    bool is_good = size != 0 && size <= text->size && first < 0xF8;
    for (size_t i = 1; is_good && i < size; i++) {
        is_good = (bytes[i] & 0xC0) == 0x80;
        rune = rune << 6 | (bytes[i] & 0x3F);
    }
    is_good = is_good && rune >= least[size] && rune <= PATTERN_RUNE_MAX;
    *text = slice_skip(*text, is_good ? size : 1);
    return is_good ? rune : PATTERN_NO_RUNE;
}

static int digit_of(uint32_t c, int base)
{
    int digit = c >= '0' && c <= '9'   ? (int)(c - '0')
                : c >= 'a' && c <= 'f' ? (int)(c - 'a') + 10
                : c >= 'A' && c <= 'F' ? (int)(c - 'A') + 10
                                       : base;
    return digit < base ? digit : -1;
}

/* Up to two octal digits more. */
static uint32_t read_octal(struct slice *text, uint32_t value)
{
    for (int i = 0; i < 2 && text->size > 0; i++) {
        int digit = digit_of((unsigned char)text->data[0], 8);
        if (digit < 0) {
            break;
        }
        value = value * 8 + (uint32_t)digit;
        *text = slice_skip(*text, 1);
    }
    return value;
}

/* \xHH, or \x{H...} with as many digits as it takes. */
static bool read_hex(struct slice *text, uint32_t *ret_rune)
{
    uint32_t value = 0;
    bool has_brace = slice_starts_with(*text, SLICE("{"));
    size_t count = 0;
    if (has_brace) {
        *text = slice_skip(*text, 1);
    }
    while (text->size > 0 && (has_brace || count < 2)) {
        int digit = digit_of((unsigned char)text->data[0], 16);
        if (digit < 0) {
            break;
        }
        value = value * 16 + (uint32_t)digit;
        if (value > PATTERN_RUNE_MAX) {
            return false;
        }
        count++;
        *text = slice_skip(*text, 1);
    }
    if (has_brace) {
        if (count == 0 || !slice_starts_with(*text, SLICE("}"))) {
            return false;
        }
        *text = slice_skip(*text, 1);
    } else if (count != 2) {
        return false;
    }
    *ret_rune = value;
    return true;
}

static bool is_letter_or_digit(uint32_t c)
{
    return digit_of(c, 10) >= 0 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool pattern_unescape(struct slice *text, uint32_t *ret_rune)
{
    static const struct {
        char letter;
        char value;
    } letters[] = {{'a', '\a'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'}};
    if (text->size == 0) {
        return false;
    }
    uint32_t c = pattern_next_rune(text);
    if (c >= '1' && c <= '7' &&
        (text->size == 0 || digit_of((unsigned char)text->data[0], 8) < 0)) {
        return false; /* a back-reference */
    }
    if (c >= '0' && c <= '7') {
        *ret_rune = read_octal(text, c - '0');
        return true;
    }
    if (c == 'x') {
        return read_hex(text, ret_rune);
    }
    for (size_t i = 0; i < ELEMENTS(letters); i++) {
        if (c == (uint32_t)letters[i].letter) {
            *ret_rune = (uint32_t)letters[i].value;
            return true;
        }
    }
    *ret_rune = c;
    return c < 0x80 && !is_letter_or_digit(c);
}

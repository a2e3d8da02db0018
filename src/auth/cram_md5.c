#include "auth/cram_md5.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "common/duration.h"

#define DIGEST_SIZE 16

void cram_md5_challenge(struct prng *prng, int64_t wall_ns, const char *hostname,
                        char ret_challenge[CRAM_MD5_CHALLENGE_SIZE])
{
    (void)snprintf(ret_challenge, CRAM_MD5_CHALLENGE_SIZE, "<%" PRIu64 ".%" PRId64 "@%.64s>",
                   prng_next(prng), wall_ns / NS_PER_SEC, hostname);
}

bool cram_md5_check(const struct credentials *credentials, const char *challenge,
                    struct slice answer, struct slice *ret_principal)
{
    /* The principal may hold spaces; the digest is behind the last one. */
    size_t hex_size = 2 * (size_t)DIGEST_SIZE;
    if (answer.size <= hex_size || answer.data[answer.size - hex_size - 1] != ' ') {
        return false;
    }
    struct slice principal = slice_make(answer.data, answer.size - hex_size - 1);
    struct slice secret;
    if (!credentials_find(credentials, principal, &secret)) {
        return false;
    }
    unsigned char digest[DIGEST_SIZE];
    size_t size;
    if (EVP_Q_mac(NULL, "HMAC", NULL, "MD5", NULL, secret.data != NULL ? secret.data : "",
                  secret.size, (const unsigned char *)challenge, strlen(challenge), digest,
                  sizeof(digest), &size) == NULL) {
        return false;
    }
    char hex[2 * DIGEST_SIZE + 1];
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    /* In constant time: how much of it is right is not told. */
    if (CRYPTO_memcmp(hex, answer.data + principal.size + 1, hex_size) != 0) {
        return false;
    }
    *ret_principal = principal;
    return true;
}

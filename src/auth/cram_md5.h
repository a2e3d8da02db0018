/*
 * CRAM-MD5 (RFC 2195), the server's side: a challenge that is never the same, and the check of the
 * answer "principal <hex of HMAC-MD5(secret, challenge)>".
 */
#ifndef TEPUI_AUTH_CRAM_MD5_H
#define TEPUI_AUTH_CRAM_MD5_H

#include "auth/credentials.h"
#include "common/prng.h"

#define CRAM_MD5_MECHANISM "CRAM-MD5"
#define CRAM_MD5_CHALLENGE_SIZE 128 /* with the terminator */

/* "<number.seconds@host>"; a long host name is cut. */
void cram_md5_challenge(struct prng *prng, int64_t wall_ns, const char *hostname,
                        char ret_challenge[CRAM_MD5_CHALLENGE_SIZE]);

/* Whether the answer is right; then *ret_principal is the part of it that names who it is. */
bool cram_md5_check(const struct credentials *credentials, const char *challenge,
                    struct slice answer, struct slice *ret_principal) WARN_UNUSED;

#endif

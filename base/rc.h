/* SPDX-License-Identifier: Apache-2.0
 *
 * base/rc.h - result codes of set-up code and codecs.
 *
 * Functions that decide have no error path; their answer type has a value
 * for "no". RC_OK is 0.
 */
#pragma once

enum rc {
    RC_OK = 0,
    RC_AGAIN,  /* not enough input yet; call again with more */
    RC_FULL,   /* a limit of limits.h or of the caller is reached */
    RC_BAD,    /* the input is wrong */
    RC_ABSENT, /* not there */
    RC_SYSTEM, /* the operating system refused; errno was read at once */
};

/* What manifest.py would write for a client of `odd`; messages.c gives SELF_DOMAIN for the side it compiles. */
#ifndef DOMAIN_ODD_H
#define DOMAIN_ODD_H
#define CAP_ODD 1u
#define SERVER_ODD 3u
#define CLIENT_ODD 5u
#define EVENT_MOVED 0u
#define CAP_WHOLE 2u
#define SERVER_WHOLE 3u
#define CLIENT_WHOLE 5u
#define CAP_LISTS 3u
#define SERVER_LISTS 3u
#define CLIENT_LISTS 5u
#endif

/* accounts.h - register, login, logout, password: plain HTTP with JSON. Each
 * request is one operation (struct account), its steps in reading order; the
 * request may go away in between. */
#ifndef SERVER_ACCOUNTS_H
#define SERVER_ACCOUNTS_H

struct http_peer;

void account_register_request(struct http_peer *h);
void account_login_request(struct http_peer *h);
void account_logout_request(struct http_peer *h);
void account_password_request(struct http_peer *h);

/* The connection is gone: the operation goes on without an answer. */
void account_abandon(struct http_peer *h);

#endif

/* ast_names.h - the words of ast.h as lists that end with NULL. */
#ifndef SCRIPT_AST_NAMES_H
#define SCRIPT_AST_NAMES_H

#include "ast.h"

extern const char *const verb_names[VERBS + 1];
extern const char *const see_names[SEE_KINDS + 1];

#endif

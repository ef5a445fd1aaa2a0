/* SPDX-License-Identifier: Apache-2.0 */
/* Variables for log_format: what was decided about the bid request in hand. */
#include "plugin/nginx/handlers.h"

#include <stdio.h>
#include <string.h>

#define VARIABLE_NUMBER_MAX 24

enum variable { VARIABLE_DECISION, VARIABLE_REASON, VARIABLE_GENERATION, VARIABLE_NS };

static const char *decision_word(const struct qbid_answer *answer)
{
    switch (answer->status) {
    case NGX_HTTP_OK:
        return "bid";
    case NGX_HTTP_BAD_REQUEST:
        return "malformed";
    default:
        return "nobid";
    }
}

static const char *reason_word(const struct qbid_answer *answer)
{
    static const char *const words[] = {
#define X(name, nbr, word, text) word,
        QBID_NOBID_LIST(X)
#undef X
    };

    if (answer->status == NGX_HTTP_BAD_REQUEST)
        return "malformed";
    return answer->nobid < QBID_NOBID_CNT ? words[answer->nobid] : "unknown";
}

static ngx_int_t variable_get(ngx_http_request_t *r, ngx_http_variable_value_t *value,
                              uintptr_t which)
{
    struct qbid_ngx_ctx *ctx = ngx_http_get_module_ctx(r, ngx_http_qbid_module);
    const char *word = NULL;
    char *number;

    value->valid = 1;
    value->no_cacheable = 0;
    value->not_found = ctx == NULL || !ctx->decided;
    if (value->not_found)
        return NGX_OK;
    if (which == VARIABLE_DECISION)
        word = decision_word(&ctx->answer);
    else if (which == VARIABLE_REASON)
        word = reason_word(&ctx->answer);
    if (word != NULL) {
        value->data = (u_char *)(uintptr_t)word;
        value->len = (unsigned)strlen(word) & 0xfffffff;
        return NGX_OK;
    }
    number = ngx_pnalloc(r->pool, VARIABLE_NUMBER_MAX);
    if (number == NULL)
        return NGX_ERROR;
    value->len =
        (unsigned)snprintf(
            number, VARIABLE_NUMBER_MAX, "%llu",
            (unsigned long long)(which == VARIABLE_NS ? ctx->answer.decide_ns : ctx->answer.gen)) &
        0xfffffff;
    value->data = (u_char *)number;
    return NGX_OK;
}

ngx_int_t qbid_ngx_variables_add(ngx_conf_t *cf)
{
    static const struct {
        ngx_str_t name;
        enum variable which;
    } list[] = {{ngx_string("qbid_decision"), VARIABLE_DECISION},
                {ngx_string("qbid_reason"), VARIABLE_REASON},
                {ngx_string("qbid_generation"), VARIABLE_GENERATION},
                {ngx_string("qbid_ns"), VARIABLE_NS}};

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        ngx_str_t name = list[i].name;
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);

        if (variable == NULL)
            return NGX_ERROR;
        variable->get_handler = variable_get;
        variable->data = list[i].which;
    }
    return NGX_OK;
}

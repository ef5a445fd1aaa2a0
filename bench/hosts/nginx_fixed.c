/* SPDX-License-Identifier: Apache-2.0 */
/* The peer of the nginx module in bench/hosts/nginx.sh: reads the body as it does, looks at none of
 * it, and sends the same answer to everybody. Not installed. What qbid is slower than this is what
 * a bid costs.
 *
 * Syntax:  fixed_bid bytes [look];      Default: -      Context: location
 *     Answer POSTs with a bid response of so many bytes; with look each byte of the body goes into
 * a hash (FNV-1a) first: the least that a module does that reads its requests byte by byte.
 */
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#define FIXED_BYTES_MAX 65536

extern ngx_module_t ngx_http_fixed_module;

static const char opening[] =
    "{\"id\":\"1\",\"cur\":\"USD\",\"seatbid\":[{\"bid\":[{\"id\":\"1\",\"impid\":\"1\","
    "\"price\":1.25,\"crid\":\"7\",\"adomain\":[\"shop.example\"],\"w\":300,\"h\":250,"
    "\"mtype\":1,\"adm\":\"";
static const char closing[] = "\"}]}]}";

struct fixed_conf {
    ngx_str_t answer;
    ngx_uint_t look;
    uint32_t seen; /* so that the hash is not left out */
};

static ngx_int_t add_header(ngx_http_request_t *r)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);

    if (header == NULL)
        return NGX_ERROR;
    ngx_memzero(header, sizeof(*header));
    header->hash = 1;
    ngx_str_set(&header->key, "x-openrtb-version");
    ngx_str_set(&header->value, "2.6");
    return NGX_OK;
}

static ngx_int_t send_fixed(ngx_http_request_t *r)
{
    struct fixed_conf *conf = ngx_http_get_module_loc_conf(r, ngx_http_fixed_module);
    ngx_buf_t *b = ngx_calloc_buf(r->pool);
    ngx_chain_t out = {.buf = b, .next = NULL};
    ngx_int_t rc;

    if (b == NULL || add_header(r) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    b->pos = conf->answer.data;
    b->last = b->pos + conf->answer.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t)conf->answer.len;
    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    rc = ngx_http_send_header(r);
    return rc == NGX_ERROR || rc > NGX_OK ? rc : ngx_http_output_filter(r, &out);
}

static uint32_t hash_body(const ngx_http_request_t *r)
{
    uint32_t hash = 2166136261u;

    for (const ngx_chain_t *cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        for (const u_char *at = cl->buf->pos; at < cl->buf->last; at++)
            hash = (hash ^ *at) * 16777619u;
    }
    return hash;
}

static void body_ready(ngx_http_request_t *r)
{
    struct fixed_conf *conf = ngx_http_get_module_loc_conf(r, ngx_http_fixed_module);

    if (conf->look && r->request_body != NULL)
        conf->seen ^= hash_body(r);
    ngx_http_finalize_request(r, send_fixed(r));
}

static ngx_int_t handler(ngx_http_request_t *r)
{
    ngx_int_t rc;

    r->request_body_in_single_buf = 1;
    rc = ngx_http_read_client_request_body(r, body_ready);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

static char *set_fixed(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    struct fixed_conf *fixed = conf;
    const ngx_str_t *args = cf->args->elts;
    ngx_int_t bytes = ngx_atoi(args[1].data, args[1].len);
    size_t around = sizeof(opening) - 1 + sizeof(closing) - 1;
    u_char *at;

    (void)command;
    if (bytes < (ngx_int_t)around || bytes > FIXED_BYTES_MAX)
        return "takes a number of bytes that a bid response has, at most 65536";
    fixed->look = cf->args->nelts == 3;
    if (fixed->look && ngx_strcmp(args[2].data, "look") != 0)
        return "takes look behind the number";
    fixed->answer.len = (size_t)bytes;
    fixed->answer.data = at = ngx_palloc(cf->pool, fixed->answer.len);
    if (at == NULL)
        return NGX_CONF_ERROR;
    at = ngx_cpymem(at, opening, sizeof(opening) - 1);
    ngx_memset(at, 'x', fixed->answer.len - around);
    ngx_memcpy(at + fixed->answer.len - around, closing, sizeof(closing) - 1);
    core->handler = handler;
    return NGX_CONF_OK;
}

static void *conf_create(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(struct fixed_conf));
}

static ngx_command_t commands[] = {{ngx_string("fixed_bid"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12,
                                    set_fixed, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
                                   ngx_null_command};

static ngx_http_module_t context = {.create_loc_conf = conf_create};

ngx_module_t ngx_http_fixed_module = {
    NGX_MODULE_V1,
    .ctx = &context,
    .commands = commands,
    .type = NGX_HTTP_MODULE,
};

/* The tables that nginx looks up in a module: for one module, what its configure would write. */
__attribute__((visibility("default"))) ngx_module_t *ngx_modules[] = {&ngx_http_fixed_module, NULL};
__attribute__((visibility("default"))) char *ngx_module_names[] = {
    (char *)(uintptr_t) "ngx_http_fixed_module", NULL};
__attribute__((visibility("default"))) char *ngx_module_order[] = {NULL};

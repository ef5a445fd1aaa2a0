/* SPDX-License-Identifier: Apache-2.0 */
/* qbid inside nginx: directives, their checks, and the life of the library in a worker. What each
 * directive and variable means, with its default and context, is in plugin/nginx/README.md.
 *
 * `nginx -t` and the master open nothing: the library is opened in each worker, after the fork.
 */
#include "plugin/nginx/body.h"
#include "plugin/nginx/handlers.h"
#include "plugin/nginx/host.h"

#define CONF_TMAX_MAX 60000
#define CONF_SOCKET_MAX 107      /* sun_path without its terminator */
#define CONF_NOTICE_URL_MAX 1023 /* a kind, a token and macros follow */
#define CONF_KEEPALIVE_REQUESTS_MIN 100000
#define CONF_KEEPALIVE_TIMEOUT_MIN 150000 /* exchanges ask for 2.5 minutes */
#define CONF_KEEPALIVE_TIME_MIN 86400000

static struct qbid_ngx_main_conf *main_conf(ngx_conf_t *cf)
{
    return ngx_http_conf_get_module_main_conf(cf, ngx_http_qbid_module);
}

static char *set_handler(ngx_conf_t *cf, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->handler != NULL)
        return "stands beside another directive that answers requests";
    core->handler = handler;
    main_conf(cf)->locations++;
    return NGX_CONF_OK;
}

static char *set_bid(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct qbid_ngx_loc_conf *loc = conf;

    (void)command;
    loc->bid = 1;
    loc->bid_file = cf->conf_file->file.name;
    loc->bid_line = cf->conf_file->line;
    return set_handler(cf, qbid_ngx_bid_handler);
}

static char *set_notice(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    (void)command;
    (void)conf;
    return set_handler(cf, qbid_ngx_notice_handler);
}

static char *set_status(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct qbid_ngx_loc_conf *loc = conf;
    const ngx_str_t *args = cf->args->elts;

    (void)command;
    loc->status_format = QBID_NGX_STATUS_JSON;
    if (cf->args->nelts > 1) {
        if (ngx_strcmp(args[1].data, "prometheus") == 0)
            loc->status_format = QBID_NGX_STATUS_PROMETHEUS;
        else if (ngx_strcmp(args[1].data, "html") == 0)
            loc->status_format = QBID_NGX_STATUS_HTML;
        else if (ngx_strcmp(args[1].data, "json") != 0)
            return "takes json, prometheus or html";
    }
    return set_handler(cf, qbid_ngx_status_handler);
}

static char *set_latency(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct qbid_ngx_main_conf *main = conf;
    const ngx_str_t *args = cf->args->elts;
    ngx_int_t every = ngx_atoi(args[1].data, args[1].len);

    (void)command;
    if (main->latency_every != NGX_CONF_UNSET)
        return "is duplicate";
    if (ngx_strcmp(args[1].data, "off") == 0)
        every = 0;
    else if (every < 1 || every > QBID_LATENCY_EVERY_MAX)
        return "takes off or a number between 1 and 1048576";
    main->latency_every = every;
    return NGX_CONF_OK;
}

static char *set_wait(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct qbid_ngx_main_conf *main = conf;
    const ngx_str_t *args = cf->args->elts;
    ngx_int_t ms = ngx_atoi(args[1].data, args[1].len);

    (void)command;
    if (main->wait_ms != NGX_CONF_UNSET)
        return "is duplicate";
    if (ngx_strcmp(args[1].data, "off") == 0)
        ms = 0;
    else if (ms < 1 || ms > CONF_TMAX_MAX)
        return "takes off or a number between 1 and 60000";
    main->wait_ms = ms;
    return NGX_CONF_OK;
}

static char *set_path(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_str_t *path = (ngx_str_t *)(void *)((char *)conf + command->offset);
    const ngx_str_t *args = cf->args->elts;

    if (path->data != NULL)
        return "is duplicate";
    *path = args[1];
    if (path->len == 0)
        return "is empty";
    return ngx_conf_full_name(cf->cycle, path, 0) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

static char *set_notice_url(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct qbid_ngx_main_conf *main = conf;
    const ngx_str_t *args = cf->args->elts;
    ngx_str_t url = args[1];

    (void)command;
    if (main->notice_url.data != NULL)
        return "is duplicate";
    if (ngx_strncmp(url.data, "http://", 7) != 0 && ngx_strncmp(url.data, "https://", 8) != 0)
        return "must begin with http:// or https://";
    if (url.len > CONF_NOTICE_URL_MAX)
        return "is longer than 1023 bytes";
    for (size_t i = 0; i < url.len; i++) {
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f || ngx_strchr("\"'<>`\\?#{}", url.data[i]))
            return "has a character that a URL's base cannot have";
    }
    main->notice_url = url;
    return NGX_CONF_OK;
}

static ngx_conf_enum_t schain_rules[] = {{ngx_string("any"), QBID_SCHAIN_ANY},
                                         {ngx_string("sound"), QBID_SCHAIN_SOUND},
                                         {ngx_string("required"), QBID_SCHAIN_REQUIRED},
                                         {ngx_null_string, 0}};
static ngx_conf_num_bounds_t tmax_bounds = {ngx_conf_check_num_bounds, 1, CONF_TMAX_MAX};
static ngx_conf_num_bounds_t margin_bounds = {ngx_conf_check_num_bounds, 0, CONF_TMAX_MAX};

/* clang-format off */
#define MAIN(field) NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct qbid_ngx_main_conf, field)
#define LOC(field) NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct qbid_ngx_loc_conf, field)
#define EVERYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)
static ngx_command_t commands[] = {
    {ngx_string("qbid_socket"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path, MAIN(socket_path), NULL},
    {ngx_string("qbid_image"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path, MAIN(image_file), NULL},
    {ngx_string("qbid_notice_url"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_notice_url, MAIN(notice_url), NULL},
    {ngx_string("qbid_trace"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot, MAIN(trace), NULL},
    {ngx_string("qbid_nbr"), NGX_HTTP_MAIN_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot, MAIN(nbr), NULL},
    {ngx_string("qbid_schain"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_enum_slot, MAIN(schain), schain_rules},
    {ngx_string("qbid_tmax"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot, MAIN(tmax_ms), &tmax_bounds},
    {ngx_string("qbid_tmax_margin"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_num_slot, MAIN(tmax_margin_ms), &margin_bounds},
    {ngx_string("qbid_wait"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_wait, MAIN(wait_ms), NULL},
    {ngx_string("qbid_latency"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_latency, MAIN(latency_every), NULL},
    {ngx_string("qbid_max_body"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_size_slot, MAIN(max_body_bytes), NULL},
    {ngx_string("qbid_exchange"), EVERYWHERE | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot, LOC(exchange), NULL},
    {ngx_string("qbid_gzip"), EVERYWHERE | NGX_CONF_FLAG, ngx_conf_set_flag_slot, LOC(gzip), NULL},
    {ngx_string("qbid_bid"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_bid, LOC(bid), NULL},
    {ngx_string("qbid_notice"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_notice, LOC(bid), NULL},
    {ngx_string("qbid_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1, set_status, LOC(status_format), NULL},
    ngx_null_command};
/* clang-format on */

static void *main_conf_create(ngx_conf_t *cf)
{
    struct qbid_ngx_main_conf *main = ngx_pcalloc(cf->pool, sizeof(*main));

    if (main == NULL)
        return NULL;
    main->trace = NGX_CONF_UNSET;
    main->nbr = NGX_CONF_UNSET;
    main->schain = NGX_CONF_UNSET_UINT;
    main->tmax_ms = NGX_CONF_UNSET;
    main->tmax_margin_ms = NGX_CONF_UNSET;
    main->wait_ms = NGX_CONF_UNSET;
    main->latency_every = NGX_CONF_UNSET;
    main->max_body_bytes = NGX_CONF_UNSET_SIZE;
    return main;
}

static ngx_int_t board_init(ngx_shm_zone_t *zone, void *old)
{
    ngx_slab_pool_t *slab = (ngx_slab_pool_t *)(void *)zone->shm.addr;

    if (old != NULL) { /* a reload: draining and new workers share the board */
        zone->data = old;
        return NGX_OK;
    }
    /* fresh shared memory is zero, and pages that no worker touches are never made */
    zone->data = ngx_slab_alloc(slab, sizeof(struct qbid_ngx_board));
    return zone->data != NULL ? NGX_OK : NGX_ERROR;
}

static char *main_conf_init(ngx_conf_t *cf, void *conf)
{
    struct qbid_ngx_main_conf *main = conf;
    ngx_str_t zone_name = ngx_string("qbid_status");
    /* the slab allocator needs its own head and one descriptor a page */
    size_t zone_bytes = sizeof(struct qbid_ngx_board) * 65 / 64 + 16 * ngx_pagesize;

    ngx_conf_init_value(main->trace, 0);
    ngx_conf_init_value(main->nbr, 0);
    ngx_conf_init_uint_value(main->schain, QBID_SCHAIN_ANY);
    ngx_conf_init_value(main->tmax_ms, 100);
    ngx_conf_init_value(main->tmax_margin_ms, 0);
    ngx_conf_init_value(main->wait_ms, ngx_max(main->tmax_ms - main->tmax_margin_ms, 1));
    ngx_conf_init_value(main->latency_every, QBID_LATENCY_EVERY);
    ngx_conf_init_size_value(main->max_body_bytes, QBID_OPENRTB_BYTES_MAX);
    if (main->max_body_bytes < 1 || main->max_body_bytes > QBID_OPENRTB_BYTES_MAX)
        return "qbid_max_body must be between 1 and 256k";
    if (main->socket_path.len > CONF_SOCKET_MAX)
        return "the path of qbid_socket is longer than 107 bytes";
    if (main->locations == 0)
        return NGX_CONF_OK;
    if (main->socket_path.len == 0 && main->image_file.len == 0)
        return "needs qbid_socket or qbid_image where qbid_bid, qbid_notice or qbid_status stands";
    if (main->notice_url.len == 0)
        return "needs qbid_notice_url where qbid_bid, qbid_notice or qbid_status stands";
    main->zone = ngx_shared_memory_add(cf, &zone_name, zone_bytes, &ngx_http_qbid_module);
    if (main->zone == NULL)
        return NGX_CONF_ERROR;
    main->zone->init = board_init;
    return NGX_CONF_OK;
}

static void *loc_conf_create(ngx_conf_t *cf)
{
    struct qbid_ngx_loc_conf *loc = ngx_pcalloc(cf->pool, sizeof(*loc));

    if (loc != NULL)
        loc->gzip = NGX_CONF_UNSET;
    return loc;
}

static void warn(ngx_conf_t *cf, const struct qbid_ngx_loc_conf *loc, const char *what)
{
    ngx_log_error(NGX_LOG_WARN, cf->log, 0, "qbid_bid in %V:%ui: %s", &loc->bid_file, loc->bid_line,
                  what);
}

/* nginx's defaults are made for browsers; an exchange keeps its connections for days. */
static void warn_unfit(ngx_conf_t *cf, const struct qbid_ngx_loc_conf *loc)
{
    const struct qbid_ngx_main_conf *main = main_conf(cf);
    const ngx_http_core_loc_conf_t *core =
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (core->keepalive_timeout == 0)
        warn(cf, loc, "keepalive_timeout 0 makes a connection for each request");
    else if (core->keepalive_timeout < CONF_KEEPALIVE_TIMEOUT_MIN)
        warn(cf, loc, "keepalive_timeout is below 150s: exchanges' idle connections are closed");
    if (core->keepalive_requests < CONF_KEEPALIVE_REQUESTS_MIN)
        warn(cf, loc, "keepalive_requests is below 100000: busy connections are closed");
    if (core->keepalive_time < CONF_KEEPALIVE_TIME_MIN)
        warn(cf, loc, "keepalive_time is below 1d: busy connections are closed");
    if (core->client_body_in_file_only) /* off is 0 */
        warn(cf, loc, "client_body_in_file_only has no effect: bodies are never put into files");
    if (core->client_body_buffer_size < main->max_body_bytes)
        warn(cf, loc,
             "client_body_buffer_size is below qbid_max_body: larger bodies are read in "
             "pieces");
}

static char *loc_conf_merge(ngx_conf_t *cf, void *parent, void *child)
{
    struct qbid_ngx_loc_conf *prev = parent, *loc = child;
    ngx_str_t argument = ngx_string("$arg_x");
    ngx_http_compile_complex_value_t compile = {.cf = cf, .value = &argument};

    if (loc->exchange == NULL)
        loc->exchange = prev->exchange;
    ngx_conf_merge_value(loc->gzip, prev->gzip, 0);
    if (!loc->bid)
        return NGX_CONF_OK;
    if (loc->exchange == NULL) {
        loc->exchange = ngx_pcalloc(cf->pool, sizeof(*loc->exchange));
        compile.complex_value = loc->exchange;
        if (loc->exchange == NULL || ngx_http_compile_complex_value(&compile) != NGX_OK)
            return NGX_CONF_ERROR;
    }
    warn_unfit(cf, loc);
    /* Here qbid_max_body rules. nginx would answer 413 and close the connection. */
    ((ngx_http_core_loc_conf_t *)ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module))
        ->client_max_body_size = 0;
    return NGX_CONF_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
    struct qbid_ngx_main_conf *main = main_conf(cf);

    main->next_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = qbid_ngx_body_filter;
    return NGX_OK;
}

static struct qbid_ngx_main_conf *cycle_conf(ngx_cycle_t *cycle)
{
    if (cycle->conf_ctx == NULL || cycle->modules == NULL)
        return NULL;
    for (ngx_uint_t i = 0; cycle->modules[i] != NULL; i++) {
        if (cycle->modules[i] == &ngx_http_qbid_module)
            return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_qbid_module);
    }
    return NULL;
}

/* With master_process off nginx serves no more after a reload, but lives on: what the old
 * configuration opened in this process is closed. A master has opened nothing. */
static ngx_int_t module_init(ngx_cycle_t *cycle)
{
    struct qbid_ngx_main_conf *old;

    if (ngx_process != NGX_PROCESS_SINGLE || ngx_test_config)
        return NGX_OK;
    old = cycle_conf(cycle->old_cycle);
    if (old != NULL) {
        qbid_ngx_host_free(old->host);
        old->host = NULL;
    }
    return NGX_OK;
}

static ngx_int_t process_init(ngx_cycle_t *cycle)
{
    struct qbid_ngx_main_conf *main = cycle_conf(cycle);

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
        return NGX_OK;
    if (main == NULL || main->locations == 0)
        return NGX_OK;
    main->host = qbid_ngx_host_new(cycle, main, main->zone->data, ngx_process_slot);
    return main->host != NULL ? NGX_OK : NGX_ERROR;
}

static void process_exit(ngx_cycle_t *cycle)
{
    struct qbid_ngx_main_conf *main = cycle_conf(cycle);

    if (main == NULL)
        return;
    qbid_ngx_host_free(main->host);
    main->host = NULL;
}

static ngx_http_module_t context = {
    .preconfiguration = qbid_ngx_variables_add,
    .postconfiguration = postconfiguration,
    .create_main_conf = main_conf_create,
    .init_main_conf = main_conf_init,
    .create_loc_conf = loc_conf_create,
    .merge_loc_conf = loc_conf_merge,
};

ngx_module_t ngx_http_qbid_module = {
    NGX_MODULE_V1,
    .ctx = &context,
    .commands = commands,
    .type = NGX_HTTP_MODULE,
    .init_module = module_init,
    .init_process = process_init,
    .exit_process = process_exit,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* The second reading of what an impression asks of a creative: part of openrtb_oracle.c. */
#ifndef QBID_TESTS_PLUGIN_OPENRTB_OPENRTB_ORACLE_TERMS_H
#define QBID_TESTS_PLUGIN_OPENRTB_OPENRTB_ORACLE_TERMS_H

static uint64_t mask(const cJSON *object, const char *name)
{
    const cJSON *child;
    uint64_t bits = 0;
    cJSON_ArrayForEach(child, get_typed(object, name, cJSON_Array))
    {
        int32_t number = integer(is_blank(child) ? NULL : child, -1);
        if (number >= 0 && number <= 63)
            bits |= UINT64_C(1) << number;
    }
    return bits;
}

/* By a walk over the names themselves. */
static uint64_t mime_mask(const cJSON *object)
{
    static const char *const names[] = {
#define X(name, text) text,
        QBID_MIME_LIST(X)
#undef X
    };
    const cJSON *child;
    uint64_t bits = 0;
    cJSON_ArrayForEach(child, get_typed(object, "mimes", cJSON_Array))
    {
        char type[128] = "";
        if (is_blank(child))
            continue;
        if (!cJSON_IsString(child)) {
            mismatch();
            continue;
        }
        snprintf(type, sizeof type, "%s", child->valuestring);
        type[strcspn(type, ";")] = '\0';
        while (type[0] && type[strlen(type) - 1] == ' ')
            type[strlen(type) - 1] = '\0';
        if (!type[0])
            continue;
        unsigned at = 0;
        for (unsigned i = 1; i < sizeof names / sizeof names[0]; i++)
            if (strcasecmp(names[i], type) == 0)
                at = i;
        bits |= UINT64_C(1) << at;
    }
    return bits;
}

static void durfloors(const cJSON *object, struct qbid_durfloors *out)
{
    const cJSON *child;
    out->per_second_micros = get_floor(object, "mincpmpersec");
    cJSON_ArrayForEach(child, get_typed(object, "durfloors", cJSON_Array))
    {
        if (!cJSON_IsObject(child) && !is_blank(child))
            mismatch();
        struct qbid_durfloor entry = {get_int(child, "mindur", 0), get_int(child, "maxdur", 0),
                                      get_floor(child, "bidfloor")};
        if (out->cnt < QBID_TERMS_DURFLOORS_MAX)
            out->floor[out->cnt++] = entry;
    }
}

static void any_terms(const cJSON *object, struct qbid_media_terms *out)
{
    out->battr = mask(object, "battr");
    out->api = mask(object, "api");
    out->mimes = mime_mask(object);
}

static void timed_terms(const cJSON *object, struct qbid_media_terms *out,
                        struct qbid_openrtb_pod *pod)
{
    const cJSON *child;
    any_terms(object, out);
    out->duration_least_s = get_int(object, "minduration", 0);
    out->duration_most_s = get_int(object, "maxduration", 0);
    out->protocols = mask(object, "protocols");
    out->bitrate_least_kbps = get_int(object, "minbitrate", 0);
    out->bitrate_most_kbps = get_int(object, "maxbitrate", 0);
    out->delivery = (uint32_t)mask(object, "delivery");
    durfloors(object, &pod->durfloors);
    pod->poddur_s = get_int(object, "poddur", 0);
    cJSON_ArrayForEach(child, get_typed(object, "rqddurs", cJSON_Array))
    {
        int32_t seconds = integer(is_blank(child) ? NULL : child, 0);
        out->duration_listed = true;
        if (seconds > 0 && out->duration_cnt < QBID_TERMS_DURATIONS_MAX)
            out->duration_s[out->duration_cnt++] = seconds;
    }
}

/* --- native.request */

static void asset(const cJSON *object, struct qbid_native_terms *out)
{
    const cJSON *title = get_typed(object, "title", cJSON_Object);
    const cJSON *img = get_typed(object, "img", cJSON_Object);
    const cJSON *data = get_typed(object, "data", cJSON_Object);
    bool required = get_flag(object, "required"), known = title != NULL;
    int32_t title_len = get_int(title, "len", 0), kind = get_int(img, "type", 0);
    int32_t data_kind = get_int(data, "type", 0), len = get_int(data, "len", 0);
    struct qbid_native_image_terms size = {true, get_int(img, "w", 0), get_int(img, "h", 0),
                                           get_int(img, "wmin", 0), get_int(img, "hmin", 0)};
    if (!required)
        return;
    if (title) {
        out->title = true;
        if (title_len > 0 && (!out->title_len || title_len < out->title_len))
            out->title_len = title_len;
    }
    if (kind == 1 || kind == 3) {
        out->unmeetable |= out->image[kind / 2].required;
        out->image[kind / 2] = size;
        known = true;
    }
    if (data_kind > 0 && data_kind <= QBID_NATIVE_DATA_CNT) {
        uint16_t *most = &out->data_len[data_kind];
        out->data |= (uint16_t)(1u << data_kind);
        len = len > UINT16_MAX ? UINT16_MAX : len;
        if (len > 0 && (!*most || len < *most))
            *most = (uint16_t)len;
        known = true;
    }
    out->unmeetable |= get(object, "video") != NULL || !known;
}

static void assets(const cJSON *object, struct qbid_native_terms *out)
{
    const cJSON *child;
    const cJSON *list = get_typed(object, "assets", cJSON_Array);
    if (!get(object, "assets"))
        return;
    memset(out, 0, sizeof *out);
    cJSON_ArrayForEach(child, list)
    {
        if (!cJSON_IsObject(child) && !is_blank(child))
            mismatch();
        asset(child, out);
    }
}

/* False when the text is no request. The assets of the last of "native" and the outer object count.
 */
static bool native_text(const char *text, struct qbid_native_terms *out)
{
    unsigned depth;
    bool good = json_oracle_valid(text, strlen(text), &depth) && depth <= QBID_OPENRTB_DEPTH_MAX;
    cJSON *root = good ? cJSON_Parse(text) : NULL;
    if (!root || !cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return false;
    }
    bool before = wrong_type;
    wrong_type = false;
    assets(get_typed(root, "native", cJSON_Object), out);
    assets(root, out);
    good = !wrong_type;
    wrong_type = before;
    cJSON_Delete(root);
    return good;
}

static void native(const cJSON *object, struct qbid_openrtb_imp *out)
{
    const cJSON *request = get(object, "request");
    any_terms(object, &out->media[3]);
    if (!request)
        return;
    if (cJSON_IsObject(request))
        assets(request, &out->assets);
    else if (cJSON_IsString(request))
        out->assets_unreadable = !native_text(request->valuestring, &out->assets);
    else
        mismatch();
}

/* --- the request's own */

static void schain(const cJSON *parent, struct qbid_openrtb_schain *out)
{
    const cJSON *object = get_typed(parent, "schain", cJSON_Object), *child;
    const cJSON *nodes = get_typed(object, "nodes", cJSON_Array);
    struct qbid_text ver = label(get(object, "ver"));
    bool sound = ver.len >= 2 && strncmp(ver.at, "1.", 2) == 0 && cJSON_GetArraySize(nodes) > 0;
    cJSON_ArrayForEach(child, nodes)
    {
        if (!cJSON_IsObject(child) && !is_blank(child))
            mismatch();
        bool named = get_label(child, "asi").len != 0;
        named &= get_label(child, "sid").len != 0;
        sound &= get_flag(child, "hp") && named;
    }
    out->given = object && object->child;
    out->complete = get_flag(object, "complete");
    out->sound = sound;
}

static void languages(const cJSON *root, const char *name, unsigned which,
                      struct qbid_openrtb_request *out)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, get_typed(root, name, cJSON_Array))
    {
        unsigned char tag[8] = {0};
        uint64_t packed = 0;
        if (is_blank(child))
            continue;
        if (!cJSON_IsString(child)) {
            mismatch();
            continue;
        }
        size_t len = strlen(child->valuestring);
        out->wlang_given[which] = true;
        if (len > 8 || out->wlang_cnt[which] == QBID_TERMS_LANGUAGES_MAX)
            continue;
        for (size_t i = 0; i < len; i++) {
            char c = child->valuestring[i];
            tag[i] = (unsigned char)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        memcpy(&packed, tag, sizeof packed);
        out->wlang[which][out->wlang_cnt[which]++] = packed;
    }
}

static void supply(const cJSON *root, struct qbid_openrtb_request *out)
{
    const cJSON *source = get_typed(root, "source", cJSON_Object), *child;
    const cJSON *site = get(root, "site"), *app = get(root, "app"), *dooh = get(root, "dooh");
    schain(source, &out->schain[0]);
    schain(get_typed(source, "ext", cJSON_Object), &out->schain[1]);
    schain(get_typed(root, "ext", cJSON_Object), &out->schain[2]);
    out->site = site && site->child;
    out->app = app && app->child;
    out->dooh = dooh && dooh->child;
    out->cattax = get_int(root, "cattax", 1);
    languages(root, "wlang", 0, out);
    languages(root, "wlangb", 1, out);
    names(root, "bapp", QBID_OPENRTB_BAPP_MAX, out->bapp, &out->bapp_cnt, &out->over);
    cJSON_ArrayForEach(child, get_typed(root, "acat", cJSON_Array))
    {
        struct qbid_text one = label(child);
        out->acat_given |= one.len != 0;
        if (one.len != 0 && out->acat_cnt < QBID_OPENRTB_ACAT_MAX)
            out->acat[out->acat_cnt++] = one;
    }
}

#endif

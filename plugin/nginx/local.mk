# SPDX-License-Identifier: Apache-2.0
# The nginx module: one .so with the library inside, built against the installed nginx's own headers.
NGX_SRC := $(B)/nginx-src
NGX_SO := $(B)/ngx_http_qbid_module.so
NGX_SOURCES := $(addprefix plugin/nginx/,bid.c board.c body.c drain.c host.c \
    ngx_http_qbid_module.c notice.c reply.c status.c variables.c wait.c)
NGX_OBJS := $(call obj,$(NGX_SOURCES))
NGX_INCLUDES := $(addprefix -isystem $(NGX_SRC)/,src/core src/event src/event/modules src/os/unix \
    src/http src/http/modules objs)
ALL_SOURCES += $(NGX_SOURCES)

# the header that changes with every version of nginx
$(NGX_SRC)/objs/ngx_auto_config.h: plugin/nginx/configure.sh plugin/nginx/config \
    $(wildcard /usr/share/nginx/src/src/core/nginx.h)
	plugin/nginx/configure.sh $(NGX_SRC)

$(B)/plugin/nginx/%.o: CPPFLAGS += $(NGX_INCLUDES)
$(NGX_OBJS): $(NGX_SRC)/objs/ngx_auto_config.h

# the page of qbid_status html as the bytes of a C array
NGX_PAGE := $(B)/gen/plugin/nginx/status_page.h
$(NGX_PAGE): plugin/nginx/status.html
	@mkdir -p $(@D)
	od -An -v -tu1 $< | sed 's/  *\([0-9][0-9]*\)/\1,/g' >$@
$(B)/plugin/nginx/status.o: $(NGX_PAGE)

# made by nginx's configure: the tables that nginx looks up in a module, and nothing else
$(NGX_SRC)/objs/modules.o: $(NGX_SRC)/objs/ngx_auto_config.h $(B)/flags
	$(CC) $(NGX_INCLUDES) -O2 -fPIC -c -o $@ $(NGX_SRC)/objs/ngx_http_qbid_module_modules.c

$(NGX_SO): $(NGX_OBJS) $(NGX_SRC)/objs/modules.o $(B)/libqbid.a $(B)/libfastpath.a $(B)/libshm.a \
    plugin/nginx/module.map plugin/nginx/signature.sh
	$(CXX) -shared $(LDFLAGS) -Wl,--version-script=plugin/nginx/module.map -o $@.new \
	    $(filter %.o %.a,$^) $(QBID_LDLIBS)
	plugin/nginx/signature.sh $(NGX_SRC) $@.new $(NGINX)
	mv $@.new $@
all: $(NGX_SO)

$(call install,$(B)/ngx_http_qbid_module.so,lib/nginx/modules,644)
$(call install,plugin/nginx/qbid.conf.example,share/doc/qbid/nginx,644)
$(call install,plugin/nginx/README.md,share/doc/qbid/nginx,644)

# A real nginx of the scene's own: folder, configuration, process, and ports
# above 1023 on loopback. The system's nginx is not touched.

# Finds one, or unpacks one. Sets $nginx and its ports.
nginx_get() {	# nginx_get CACHE
	local said
	nginx_home=$scene/nginx
	http_port=$(free_port)
	tls_port=$(free_port)
	nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) && return 0
	if [ ! -x "$1/nginx/usr/sbin/nginx" ]; then
		said=$(unpack_package "" nginx "$1/nginx" 2>&1) || {
			printf 'no nginx: %s\n' "$said" >&2
			return 1
		}
	fi
	# Hooks are refused below folders that others can write, so it plays
	# from the scene.
	cp "$1/nginx/usr/sbin/nginx" "$scene/nginx-program"
	nginx=$scene/nginx-program
}

# Its stream module, which is a package of its own: where it is, if it is not
# built in.
nginx_stream() {	# nginx_stream CACHE
	local so
	case $("$nginx" -V 2>&1) in
	*--with-stream=dynamic*) ;;
	*--with-stream*) return 0 ;;
	*) return 1 ;;
	esac
	so=usr/lib/nginx/modules/ngx_stream_module.so
	[ ! -e "/$so" ] || { echo "/$so"; return; }
	[ -e "$1/nginx-stream/$so" ] ||
		unpack_package "" libnginx-mod-stream "$1/nginx-stream" >&2 ||
		return 1
	echo "$1/nginx-stream/$so"
}

# Writes the configuration: port $http_port answers challenges from RUN,
# port $tls_port serves each NAME with its files below LIVE. Without names
# there is no TLS yet: nginx would not start without certificates.
nginx_conf() {	# nginx_conf RUN LIVE [NAME]...
	local run live name
	run=$1 live=$2
	shift 2
	mkdir -p "$nginx_home/more"
	sed "s|unix:[^;]*;|unix:$run/http.sock;|" \
		"$top/contrib/snippets/nginx.conf" >"$nginx_home/snippet"
	{
		nginx_head
		for name; do
			nginx_tls "$name" "$live/$name"
		done
		echo "}"
	} >"$nginx_home/nginx.conf"
}

nginx_head() {
	[ "$(id -u)" -ne 0 ] || echo "user $(nginx_user);"
	cat <<-EOF
	worker_processes 2;
	pid $nginx_home/pid;
	error_log $scene/log/nginx-errors warn;
	events { worker_connections 512; }
	http {
	 access_log off;
	 server_names_hash_bucket_size 128;
	 client_body_temp_path $nginx_home/t1; proxy_temp_path $nginx_home/t2;
	 fastcgi_temp_path $nginx_home/t3; uwsgi_temp_path $nginx_home/t4;
	 scgi_temp_path $nginx_home/t5;
	 include $nginx_home/more/*.conf;
	 server {
	  listen 127.0.0.1:$http_port default_server;
	  include $nginx_home/snippet;
	  location / { return 404; }
	 }
	EOF
}

nginx_tls() {	# nginx_tls NAME DIR
	cat <<-EOF
	 server {
	  listen 127.0.0.1:$tls_port ssl; server_name $1;
	  ssl_certificate $2/fullchain.pem; ssl_certificate_key $2/privkey.pem;
	  location / { return 200 "$1\n"; }
	 }
	EOF
}

nginx_user() { id -un www-data 2>/dev/null || echo nobody; }

# -e and -p: it opens nothing of the system's, not even a log.
nginx_run() {	# nginx_run ARGUMENT...
	"$nginx" -e stderr -p "$nginx_home" -c "$nginx_home/nginx.conf" "$@"
}

# The two commands of its service, as lists of everleaf.conf.
nginx_check() { nginx_list -q -t; }
nginx_reload() { nginx_list -s reload; }
nginx_list() {
	printf '{"%s", "-e", "stderr", "-p", "%s", "-c", "%s"' \
		"$nginx" "$nginx_home" "$nginx_home/nginx.conf"
	printf ', "%s"' "$@"
	echo '}'
}

nginx_start() {
	nginx_run -q -t >>"$scene/log/nginx" 2>&1 || return 1
	spawn nginx "$nginx" -e "$scene/log/nginx-errors" -p "$nginx_home" \
		-c "$nginx_home/nginx.conf" -g 'daemon off;'
	within 10 port_used "$http_port"
}

# After a new configuration of ours; fails if the running one won't have it.
nginx_again() {
	nginx_run -s reload >>"$scene/log/nginx" 2>&1 &&
		within 10 port_used "$tls_port"
}

nginx_break() { echo 'prxy_pass here;' >"$nginx_home/more/broken.conf"; }
nginx_mend() { rm -f "$nginx_home/more/broken.conf"; }

# SHA-256 of the leaf that is served, in small hex digits.
served_leaf() {	# served_leaf NAME
	openssl s_client -connect "127.0.0.1:$tls_port" -servername "$1" \
		</dev/null 2>/dev/null | leaf_sha
}
leaf_sha() {	# of the first certificate on stdin
	openssl x509 -noout -fingerprint -sha256 2>/dev/null |
		sed 's/.*=//; s/://g' | tr A-F a-f
}

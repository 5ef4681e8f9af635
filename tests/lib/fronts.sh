# Servers that stand in front of the responder, each the real one, with the
# snippet that is shipped for it: processes and files of the scene's own, on
# loopback. Needs $http_port, $tls_port, $alpn_port and $run.

# The program of a front, if it is here; nginx is the one of nginx.sh.
front_program() {	# front_program NAME
	case $1 in
	apache) set -- apache2 ;;
	nginx) set -- "$nginx" ;;
	esac
	PATH=$PATH:/usr/sbin:/sbin command -v "$1"
}

front_module() {	# front_module apache2|lighttpd FILE: where it is
	local d
	for d in "/usr/lib/$1/modules" "/usr/lib/$1" "/usr/lib64/$1/modules"; do
		[ ! -e "$d/$2" ] || { echo "$d/$2"; return; }
	done
	return 1
}

# A snippet of ours with the scene's paths and ports in place of the usual.
front_snippet() {	# front_snippet FILE
	sed -e "s|/run/everleaf/|$run/|g" -e "s|THUMBPRINT|${thumbprint:-}|" \
		-e "s|/etc/lighttpd/|$front_home/|" \
		-e "s|127.0.0.1:8443|127.0.0.1:$tls_port|" \
		-e "s|listen 443;|listen 127.0.0.1:$alpn_port;|" \
		-e "/listen \[::\]:443/d; /bind :::443/d" \
		-e "s|bind :443|bind 127.0.0.1:$alpn_port|" \
		-e "s|abns@tls|abns@everleaf-$alpn_port|" \
		"$top/contrib/snippets/$1" >"$front_home/$1"
	echo "$front_home/$1"
}

# Starts NAME on $http_port with a snippet; it runs as "front".
front_start() {	# front_start NAME SNIPPET
	front_home=$scene/front-$1-${2%%-*}
	mkdir -p "$front_home"
	front_snippet "$2" >/dev/null
	front_"$1" "$(front_program "$1")" "$front_home/$2"
	within 10 port_used "$http_port"
}

front_stop() { stop front TERM 10 || stop front KILL; }

front_user() { id -un www-data 2>/dev/null || echo nobody; }

front_nginx() {	# front_nginx PROGRAM SNIPPET
	cat >"$front_home/conf" <<-EOT
	$([ "$(id -u)" -ne 0 ] || echo "user $(front_user);")
	pid $front_home/pid;
	events { worker_connections 64; }
	http {
	 access_log off;
	 client_body_temp_path $front_home/t1; proxy_temp_path $front_home/t2;
	 fastcgi_temp_path $front_home/t3; uwsgi_temp_path $front_home/t4;
	 scgi_temp_path $front_home/t5;
	 server {
	  listen 127.0.0.1:$http_port;
	  include $2;
	  location / { ${front_root:-return 404}; }
	 }
	}
	EOT
	spawn front "$1" -e "$scene/log/front-errors" -p "$front_home" \
		-c "$front_home/conf" -g 'daemon off;'
}

front_apache() {	# front_apache PROGRAM SNIPPET
	{
		for m in mpm_event authz_core unixd alias proxy proxy_http; do
			so=$(front_module apache2 mod_$m.so) || continue
			echo "LoadModule ${m}_module $so"
		done
		[ "$(id -u)" -ne 0 ] || printf 'User %s\nGroup %s\n' \
			"$(front_user)" "$(id -gn "$(front_user)")"
		cat <<-EOT
		ServerRoot "$front_home"
		ServerName localhost
		PidFile $front_home/pid
		ErrorLog $scene/log/front-errors
		DefaultRuntimeDir $front_home
		Listen 127.0.0.1:$http_port
		<VirtualHost *:$http_port>
		 DocumentRoot $front_home
		 <Location />
		  Require all granted
		 </Location>
		 Include $2
		</VirtualHost>
		EOT
	} >"$front_home/conf"
	spawn front "$1" -f "$front_home/conf" -D FOREGROUND
}

# A snippet is a section of its own, or a line for the frontend.
front_haproxy() {	# front_haproxy PROGRAM SNIPPET
	cat >"$front_home/conf" <<-EOT
	defaults
	 mode http
	 timeout connect 5s
	 timeout client 10s
	 timeout server 10s
	frontend web
	 bind 127.0.0.1:$http_port
	EOT
	if grep -q '^backend' "$2"; then
		echo " use_backend everleaf if" \
			"{ path_beg /.well-known/acme-challenge/ }"
		cat "$2"
	else
		cat "$2"
		echo " http-request return status 404"
	fi >>"$front_home/conf"
	spawn front "$1" -db -f "$front_home/conf"
}

front_lighttpd() {	# front_lighttpd PROGRAM SNIPPET
	cat >"$front_home/conf" <<-EOT
	server.modules = ( "mod_proxy" )
	server.document-root = "$front_home"
	server.bind = "127.0.0.1"
	server.port = $http_port
	server.errorlog-use-syslog = "disable"
	$([ "$(id -u)" -ne 0 ] || echo "server.username = \"$(front_user)\"")
	include "$2"
	EOT
	spawn front "$1" -D -f "$front_home/conf"
}

# Starts NAME on $alpn_port: it passes on what asks for acme-tls/1, the rest
# goes to where the site is. It runs as "front".
front_tls_start() {	# front_tls_start NAME SNIPPET CERTIFICATE
	front_home=$scene/front-$1-tls
	mkdir -p "$front_home"
	front_snippet "$2" >/dev/null
	front_tls_"$1" "$(front_program "$1")" "$front_home/$2" "$3"
	within 10 port_used "$alpn_port"
}

front_tls_nginx() {	# front_tls_nginx PROGRAM SNIPPET FOLDER
	cat >"$front_home/conf" <<-EOT
	${front_stream:+load_module $front_stream;}
	$([ "$(id -u)" -ne 0 ] || echo "user $(front_user);")
	pid $front_home/pid;
	events { worker_connections 64; }
	stream { include $2; }
	http {
	 access_log off;
	 client_body_temp_path $front_home/t1; proxy_temp_path $front_home/t2;
	 fastcgi_temp_path $front_home/t3; uwsgi_temp_path $front_home/t4;
	 scgi_temp_path $front_home/t5;
	 server {
	  listen 127.0.0.1:$tls_port ssl;
	  ssl_certificate $3/fullchain.pem;
	  ssl_certificate_key $3/privkey.pem;
	  location / { return 200 "the site"; }
	 }
	}
	EOT
	spawn front "$1" -e "$scene/log/front-errors" -p "$front_home" \
		-c "$front_home/conf" -g 'daemon off;'
}

front_tls_haproxy() {	# front_tls_haproxy PROGRAM SNIPPET FOLDER
	cat "$3/privkey.pem" "$3/fullchain.pem" >"$front_home/pem"
	cat - "$2" >"$front_home/conf" <<-EOT
	defaults
	 mode http
	 timeout connect 5s
	 timeout client 10s
	 timeout server 10s
	frontend web
	 bind abns@everleaf-$alpn_port accept-proxy ssl crt $front_home/pem
	 http-request return status 200 content-type text/plain \
string "the site"
	EOT
	spawn front "$1" -db -f "$front_home/conf"
}

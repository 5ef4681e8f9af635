#!/bin/sh
# A10 A CA behind nginx, whose HTTP/2 connections end in GOAWAY after a number
# of requests, as they do at many CAs: nothing is lost by that. With so few
# most connections end while streams are open that nginx never looks at.
#	EVERLEAF_GOAWAY="CERTIFICATES REQUESTS"	3400 1000 makes 20000 requests
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
set -- ${EVERLEAF_GOAWAY:-200 20}
wanted=$1
per_connection=$2
hostile_begin front
nginx_get "$work" || bail "no nginx"
front=$(free_port)

front_conf() {
	[ "$(id -u)" -ne 0 ] || echo "user $(nginx_user);"
	cat <<-EOT
	worker_processes 1;
	pid $nginx_home/pid;
	error_log $scene/log/nginx-errors warn;
	events { worker_connections 512; }
	http {
	 log_format short '\$connection \$status \$request';
	 access_log $scene/log/front short;
	 client_body_temp_path $nginx_home/t1; proxy_temp_path $nginx_home/t2;
	 fastcgi_temp_path $nginx_home/t3; uwsgi_temp_path $nginx_home/t4;
	 scgi_temp_path $nginx_home/t5;
	 keepalive_requests $per_connection;
	 upstream ca { server 127.0.0.1:$(port_of front); keepalive 64; }
	 server {
	  listen 127.0.0.1:$front ssl http2;
	  ssl_certificate $hostile_home/good.pem;
	  ssl_certificate_key $hostile_home/good.pem;
	  location / {
	   proxy_pass https://ca; proxy_http_version 1.1;
	   proxy_set_header Connection ""; proxy_set_header Host \$http_host;
	   proxy_next_upstream off;
	  }
	 }
	}
	EOT
}
wishes() {
	local i
	i=0
	while [ $i -lt "$wanted" ]; do
		i=$((i + 1))
		hostile_wish front "\"n$i.example\"" "n$i.example"
	done
}
mkdir -p "$nginx_home"
front_conf >"$nginx_home/nginx.conf"
{
	cat <<-EOT
	agree-tos = true
	state-dir = "$state"
	run-dir   = "$run"
	ca "front" {
	    directory  = "https://127.0.0.1:$front/directory"
	    trust-file = "$hostile_home/trust.pem"
	    max-orders = 64
	}
	EOT
	wishes
} >"$conf"
spawn nginx "$nginx" -e "$scene/log/nginx-errors" -p "$nginx_home" \
	-c "$nginx_home/nginx.conf" -g 'daemon off;'
within 10 port_used "$front" || bail "no nginx: $(cat "$scene/log/nginx")"
began=$(date +%s)
everleafd_start || bail "no daemon: $(everleafd_last)"

all_issued() { [ "$(asked front chain)" -ge "$wanted" ]; }
is "all $wanted are issued" within $((60 + wanted / 4)) all_issued
echo "in $(($(date +%s) - began)) s" | diag
said() { grep -c "$1" "$scene/log/everleafd"; }
front_lines() { wc -l <"$scene/log/front"; }
connections() { cut -d ' ' -f 1 "$scene/log/front" | sort -u | wc -l; }
fully_used() {
	cut -d ' ' -f 1 "$scene/log/front" | sort | uniq -c |
		awk -v n="$per_connection" '$1 >= n' | wc -l
}
echo "$(front_lines) requests over $(connections) connections," \
	"$(fully_used) of them ended by GOAWAY" | diag
is "connections did end" test "$(fully_used)" -ge 3
same "A10 GOAWAY: no order waited or failed" \
	"$(said 'order\.\(waiting\|failed\)')" 0
same "A10 GOAWAY: none was ordered twice" "$(asked front order)" "$wanted"
# It writes its line when the answer is out.
tallies() { [ "$(front_lines)" -eq "$(asked_in_all front)" ]; }
is "A10 GOAWAY: what nginx took is what the CA was asked for" within 10 tallies
same "no malformed request was sent" "$(asked front bad)" 0
is "it ends within 5 s" everleafd_stop
hostile_end

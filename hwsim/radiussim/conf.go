package radiussim

// radiusdConf is a whole FreeRADIUS: what is not needed is not there. The last
// listener makes the same server a NAS in the sense of RFC 5176: it knows one
// session.
const radiusdConf = `
prefix = /usr
libdir = {{modules}}
logdir = {{dir}}
run_dir = {{dir}}
confdir = {{dir}}
modconfdir = {{dir}}
pidfile = {{dir}}/pid
max_request_time = 10
cleanup_delay = 0
max_requests = 4096
log {
	destination = stdout
	auth = no
}
security {
	reject_delay = 0
	status_server = yes
	allow_vulnerable_openssl = yes
}
thread pool {
	start_servers = 2
	max_servers = 4
	min_spare_servers = 1
	max_spare_servers = 3
}
client localhost {
	ipaddr = 127.0.0.1
	secret = {{secret}}
	nas_type = other
	require_message_authenticator = no
	limit {
		max_connections = 0
	}
}
modules {
	expr {
	}
	expiration {
	}
	chap {
	}
	pap {
	}
	preprocess {
	}
	always ok {
		rcode = ok
	}
	always reject {
		rcode = reject
	}
	sql {
		dialect = "{{dialect}}"
		driver = "rlm_sql_${dialect}"
		server = "{{host}}"
		port = {{port}}
		login = "{{user}}"
		password = "{{password}}"
		radius_db = "{{database}}"
		acct_table1 = "radacct"
		acct_table2 = "radacct"
		postauth_table = "radpostauth"
		authcheck_table = "radcheck"
		groupcheck_table = "radgroupcheck"
		authreply_table = "radreply"
		groupreply_table = "radgroupreply"
		usergroup_table = "radusergroup"
		delete_stale_sessions = yes
		read_clients = no
		client_table = "nas"
		group_attribute = "SQL-Group"
		pool {
			start = 1
			min = 1
			max = 4
			spare = 2
			uses = 0
			retry_delay = 1
			lifetime = 0
			idle_timeout = 0
		}
		$INCLUDE {{dir}}/sql/main/{{dialect}}/queries.conf
	}
}
server default {
	listen {
		type = auth
		ipaddr = 127.0.0.1
		port = {{auth}}
	}
	listen {
		type = acct
		ipaddr = 127.0.0.1
		port = {{acct}}
	}
	authorize {
		preprocess
		chap
		sql
		expiration
		pap
	}
	authenticate {
		Auth-Type PAP {
			pap
		}
		Auth-Type CHAP {
			chap
		}
	}
	preacct {
		preprocess
		update request {
			&Acct-Unique-Session-Id := "%{md5:%{User-Name},%{Acct-Session-Id},%{%{NAS-IPv6-Address}:-%{NAS-IP-Address}}}"
		}
	}
	accounting {
		sql
	}
	session {
		sql
	}
	post-auth {
		sql
		Post-Auth-Type REJECT {
			sql
		}
	}
}
server nas {
	listen {
		type = coa
		ipaddr = 127.0.0.1
		port = {{dynamic}}
		clients = orders_only
	}
	recv-coa {
		if (&Acct-Session-Id == "80000001") {
			ok
		}
		else {
			update reply {
				&Error-Cause := Session-Context-Not-Found
			}
			reject
		}
	}
	send-coa {
		ok
	}
}
clients orders_only {
	client orders {
		ipaddr = 127.0.0.1
		secret = {{orders}}
		require_message_authenticator = yes
	}
}
`

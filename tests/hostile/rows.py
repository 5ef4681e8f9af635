"""What each row does wrong, and where. A row is {point: function of a Turn},
plus a few words about the listener: 'tls' (which certificate), 'h2', 'accept'
(instead of TLS), 'old-tls', 'settings', 'one-nonce', 'behind' (another
server), 'windows' (renewalInfo), 'leaf' and 'make' (what is signed). Names begin with the row of the table, in small letters."""
import rows_certs
import rows_http
import rows_h2
import rows_words


def table(canary):
    """All rows. `canary` is the port to which no client may be led."""
    rows = {'good': {}, 'good-h2': {'h2': True}, 'front': {'behind': True}}
    for part in (rows_http, rows_h2, rows_words, rows_certs):
        rows.update(part.table(canary))
    return rows

-- The answer to http-01: TOKEN.THUMBPRINT
local token = string.match(lighty.env["request.uri"],
    "^/%.well%-known/acme%-challenge/([%w_-]+)$")
if not token then
    return 404
end
lighty.header["Content-Type"] = "text/plain"
lighty.content = { token .. ".THUMBPRINT" }
return 200

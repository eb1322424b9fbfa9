-- wrk has no rate of its own: each connection rests between its requests.
function delay()
    return 50
end

"""What lives on each host of a classroom: members that count, senders, a querier, a multicast router."""

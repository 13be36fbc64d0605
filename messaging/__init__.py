"""The core of Waybill: events, topology, envelope, publisher and consumer. It imports no edge."""

"""The parts of a tick: the desk (plans and templates), and the dispatch of one request."""

"""Commands we run: started fast, fed, awaited on the event loop, ended with everything they started."""

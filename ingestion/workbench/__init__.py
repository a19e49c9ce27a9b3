"""The workbench: an engineer writes a device type in the browser, sees it decode, publishes it."""

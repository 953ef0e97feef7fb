"""What becomes OpenCL C."""

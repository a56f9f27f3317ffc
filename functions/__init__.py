"""What Lambda runs, one module for each function; imports only model/ and dynamo/."""

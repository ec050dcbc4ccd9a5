/*
 * A program out of the tree: opens a client on fake:, runs one container there, asks who answers.
 */
#include <libctrd/libctrd.h>

#include <stdio.h>

int main(void)
{
	ctrd_client *client = NULL;
	ctrd_op *op = NULL;
	ctrd_done done = {0, 0, 0};
	ctrd_version_info info = CTRD_VERSION_INFO_INIT;

	if (ctrd_version() != CTRD_VERSION)
		return 1;
	if (ctrd_client_open("fake:", NULL, &client, NULL) != 0)
		return 2;
	if (ctrd_client_version(client, NULL, done, &op) != 0)
		return 3;
	if (ctrd_op_wait(op, 10000) != 0 || ctrd_op_get_version(op, &info) != 0)
		return 4;
	printf("%s %s\n", info.name, ctrd_version_string());
	ctrd_op_unref(op);

	if (ctrd_client_close(client, NULL, done, &op) != 0 || ctrd_op_wait(op, 10000) != 0)
		return 5;
	ctrd_op_unref(op);
	ctrd_client_unref(client);
	return 0;
}
